/**
 * The course catalogue in the block editor: a preview made by the server, and its settings beside it.
 */
( function ( blocks, blockEditor, components, element, i18n, ServerSideRender ) {
	'use strict';

	var el = element.createElement;
	var __ = i18n.__;

	var SORTS = [
		{ label: __( 'Newest first', 'learnomy' ), value: '-published_at' },
		{ label: __( 'Title', 'learnomy' ), value: 'title' },
		{ label: __( 'Price', 'learnomy' ), value: 'price' },
		{ label: __( 'Best rated', 'learnomy' ), value: '-rating' },
		{ label: __( 'Most students', 'learnomy' ), value: '-student_count' },
	];
	var LAYOUTS = [
		{ label: __( 'Grid', 'learnomy' ), value: 'grid' },
		{ label: __( 'List', 'learnomy' ), value: 'list' },
		{ label: __( 'Categories', 'learnomy' ), value: 'categories' },
	];

	function edit( props ) {
		var attributes = props.attributes;

		function field( Control, name, label, more ) {
			var settings = {
				key: name,
				label: label,
				onChange: function ( value ) {
					var change = {};
					change[ name ] = value;
					props.setAttributes( change );
				},
				__nextHasNoMarginBottom: true,
				__next40pxDefaultSize: true,
			};
			settings[ Control === components.ToggleControl ? 'checked' : 'value' ] = attributes[ name ];
			return el( Control, Object.assign( settings, more || {} ) );
		}

		var inspector = el(
			blockEditor.InspectorControls,
			null,
			el(
				components.PanelBody,
				{ title: __( 'Display', 'learnomy' ) },
				field( components.SelectControl, 'layout', __( 'Layout', 'learnomy' ), { options: LAYOUTS } ),
				field( components.RangeControl, 'columns', __( 'Columns', 'learnomy' ), { min: 1, max: 6 } ),
				field( components.RangeControl, 'perPage', __( 'Courses per page', 'learnomy' ), { min: 1, max: 48 } ),
				field( components.ToggleControl, 'showFilters', __( 'Show filters', 'learnomy' ) ),
				field( components.ToggleControl, 'showPrice', __( 'Show prices', 'learnomy' ) )
			),
			el(
				components.PanelBody,
				{ title: __( 'Which courses', 'learnomy' ) },
				field( components.SelectControl, 'sort', __( 'Order', 'learnomy' ), { options: SORTS } ),
				field( components.TextControl, 'category', __( 'Category (slug)', 'learnomy' ) ),
				field( components.TextControl, 'tag', __( 'Tag (slug)', 'learnomy' ) ),
				field( components.TextControl, 'level', __( 'Level', 'learnomy' ) ),
				field( components.TextControl, 'search', __( 'Search words', 'learnomy' ) )
			)
		);

		// The wrapper's look is the block's own here; the server would only put it there a second time.
		var asked = {};
		Object.keys( blocks.getBlockType( props.name ).attributes ).forEach( function ( name ) {
			if ( [ 'style', 'className', 'align', 'anchor', 'backgroundColor', 'textColor', 'gradient', 'fontSize' ].indexOf( name ) < 0 && attributes[ name ] !== undefined ) {
				asked[ name ] = attributes[ name ];
			}
		} );

		return el(
			element.Fragment,
			null,
			inspector,
			el(
				'div',
				blockEditor.useBlockProps(),
				el( components.Disabled, null, el( ServerSideRender, { block: props.name, attributes: asked, httpMethod: 'POST' } ) )
			)
		);
	}

	blocks.registerBlockType( 'learnomy/course-catalog', {
		edit: edit,
		save: function () {
			return null;
		},
	} );
} )( window.wp.blocks, window.wp.blockEditor, window.wp.components, window.wp.element, window.wp.i18n, window.wp.serverSideRender );
