<?php
/**
 * A page of Learnomy's in a classic theme. A theme may have its own as `learnomy-course.php`, `learnomy-catalog.php`.
 *
 * @package Learnomy
 */

declare(strict_types=1);

defined( 'ABSPATH' ) || exit;

get_header();

/**
 * Fires before the page's content, for themes that wrap it.
 */
do_action( 'learnomy_before_main_content' );
?>
<main id="primary" class="site-main learnomy-main">
	<?php
	/**
	 * Prints the page's content.
	 */
	do_action( 'learnomy_page_content' );
	?>
</main>
<?php
/**
 * Fires after the page's content.
 */
do_action( 'learnomy_after_main_content' );

get_footer();
